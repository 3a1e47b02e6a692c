"""A whole Careloop on one bare machine: real PostgreSQL, real Apache Kafka, and the services as child processes."""
