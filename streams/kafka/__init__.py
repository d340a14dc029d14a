"""The distributed shell: Faust workers on Apache Kafka."""
