-- Spread another table of readings so that its rows are where their meter points are.
--
-- Params: table_name (text)
-- Writes: the table of that name
-- Re-run: refused where it is spread; whoever runs it looks before.
SELECT
    create_distributed_table(
        %(table_name)s::regclass, 'mpan_core', colocate_with => 'meter_point'
    );
