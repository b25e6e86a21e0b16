-- Tell which meter points the gathered lines name; by a list only shards that hold one are asked.
--
-- Reads:  gathered_staged_line
-- Gives:  mpan_cores (text[])
SELECT coalesce(array_agg(DISTINCT mpan_core), '{}') AS mpan_cores
FROM gathered_staged_line;
