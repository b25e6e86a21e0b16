-- Tell the planner how many meters are new.
ANALYZE judged_meter;
