-- Drop the rows of a table that were moved to the workers, and are still on the coordinator as well.
--
-- Params: table_name (text)
-- Re-run: safe; it touches no shard.
SELECT truncate_local_data_after_distributing_table(%(table_name)s::regclass);
