-- Drop the rows of a table that were moved to the workers, and still are on the coordinator too.
--
-- Params: table_name (text)
-- Re-run: safe; it touches no shard.
SELECT truncate_local_data_after_distributing_table(%(table_name)s::regclass);
