-- Tell the planner how many validation results there are: most files hold none.
ANALYZE judged_result (rejections, mpan_core, parent_id);
