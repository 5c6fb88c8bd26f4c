"""A project that writes a host, two handlers and a COMPUTE function, on omnibase-core, -spi and -infra."""
