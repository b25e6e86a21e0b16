-- Let `reconcile` look up what was found about a line.
CREATE INDEX ON judged_issue (mpan_core, flow_file_id, line_number);
