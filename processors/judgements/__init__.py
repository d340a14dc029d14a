"""What is said of a customer beside the stage: one module a subject."""
