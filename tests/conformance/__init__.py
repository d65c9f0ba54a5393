"""The Autobahn testsuite against our server and our client; see run.py."""
