"""Rules of the policy: what they ask, when they fire, and what a row remembers of it."""
