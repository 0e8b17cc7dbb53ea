"""How much T3 saves on labelled documents, by the code that runs in production; see `manage.py workflow_eval`."""
