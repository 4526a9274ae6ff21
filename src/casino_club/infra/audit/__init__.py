"""The audit: what staff, their programs and the operator's command line did, kept so that nobody can edit it."""
