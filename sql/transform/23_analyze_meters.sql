-- Tell the planner how many meters are new; no autovacuum sees a temporary table.
ANALYZE judged_meter (rejections, is_known);
