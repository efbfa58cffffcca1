-- Parts up to some 400,000 spans in one file instead of three a column: making files is most of what a part costs.
ALTER TABLE spans MODIFY SETTING min_bytes_for_wide_part = 134217728;
