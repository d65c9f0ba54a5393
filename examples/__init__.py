"""Programs that use wsproto_async, one idea each."""
