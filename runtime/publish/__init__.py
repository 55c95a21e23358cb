"""What others read: the copy of the marts, the SQL shell, the lineage site."""
