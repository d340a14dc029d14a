"""Files of touchpoints, in any of four formats, as one time-ordered sequence of canonical columns."""
