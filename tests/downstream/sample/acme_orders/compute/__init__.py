"""COMPUTE functions: values in, values out."""
