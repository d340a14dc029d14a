"""Facts on their way into ClickHouse, in process or on a server, and questions about them."""
