class MetadataRequest:
    _allow_auto_topic_creation: bool | None
