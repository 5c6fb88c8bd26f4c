"""The Kafka bus. Its modules are the only ones that import aiokafka."""
