"""A host under steady load for minutes or hours, watched for what grows."""
