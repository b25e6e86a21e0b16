-- Tell the planner how many readings are rejected, and how many have a new register.
ANALYZE judged_reading (rejections, is_known, reading_flag);
