-- Give the workers the functions that the statements call.
--
-- Params: names (text[]): of the functions
-- Re-run: safe.
SELECT create_distributed_function(oid::regprocedure)
FROM pg_proc
WHERE
    proname = any(%(names)s::text[])
    AND pg_function_is_visible(oid);
