-- Tell the planner how many validation results there are: most files hold none.
ANALYZE judged_validation_result;
