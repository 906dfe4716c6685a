"""The queue in PostgreSQL: functions over a connection, one module a noun, every statement a named one."""
