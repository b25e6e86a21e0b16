-- Let `line_issue` be what is stored again.
ALTER TABLE pg_temp.line_issue RENAME TO fresh_issue;
