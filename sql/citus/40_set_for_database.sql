-- Have the settings of a transaction reach the workers, where most of a statement runs; a plan may
-- else be one that is to be avoided there. Where the coordinator holds rows itself, they are
-- reached like those of any worker, so that one transaction may write to all of them at once. One
-- connection to each worker does for what is small, and for COPY, where several cost the workers
-- more and gain nothing; what is worth more asks for them.
--
-- Re-run: safe; holds for connections that are made after it.
DO $$
DECLARE
    own_database text := quote_ident(current_database());
BEGIN
    EXECUTE 'ALTER DATABASE ' || own_database || ' SET citus.propagate_set_commands = local';
    EXECUTE 'ALTER DATABASE ' || own_database || ' SET citus.enable_local_execution = off';
    EXECUTE
        'ALTER DATABASE ' || own_database
        || ' SET citus.max_adaptive_executor_pool_size = 1';
END
$$;
