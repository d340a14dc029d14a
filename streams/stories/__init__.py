"""Stories: touchpoints of one customer, and what a marketer expects a policy to make of them."""
