-- Tell the planner how many meter points there are; no autovacuum sees a temporary table.
ANALYZE judged_meter_point;
