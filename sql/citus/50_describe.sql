-- Tell how many workers hold rows, in how many shards a table is, and which tables are spread.
--
-- Params: tables (text[]): those that are to be spread
-- Reads:  the catalogue of Citus
SELECT
    citus_is_coordinator() AS is_coordinator,
    (
        SELECT count(*)
        FROM pg_dist_node
        WHERE shouldhaveshards AND noderole = 'primary' AND isactive
    ) AS worker_count,
    coalesce(
        (
            SELECT min(shard_count)
            FROM citus_tables
            WHERE table_name = 'meter_point'::regclass
        ),
        0
    ) AS shard_count,
    array(
        SELECT table_name::text
        FROM citus_tables
        WHERE table_name::text = any(%(tables)s::text[])
    ) AS spread_tables;
