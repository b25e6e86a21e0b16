-- Tell the planner how many meters there are.
ANALYZE judged_meter;
