"""The management API, over Django REST framework: what an organization manages with a key of scope `admin`."""
