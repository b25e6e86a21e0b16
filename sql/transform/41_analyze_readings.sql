-- Tell the planner how many readings have a register; the other columns it need not know.
ANALYZE judged_reading (rejections, register_id);
