-- Tell the planner how many meter points are new; no autovacuum sees a temporary table.
ANALYZE judged_meter_point;
