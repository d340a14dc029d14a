"""What is remembered of a customer: the row, its sums and sets, what a touchpoint adds, and how two rows are united."""
