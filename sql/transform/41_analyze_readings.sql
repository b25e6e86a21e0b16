-- Tell the planner how many readings there are.
ANALYZE judged_reading;
