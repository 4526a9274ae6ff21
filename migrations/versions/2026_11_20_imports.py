"""How far each import of a file has come."""

from alembic import op

revision = "2026_11_20_imports"
down_revision = "2026_11_20_exports"


def upgrade() -> None:
    op.execute(
        """CREATE TABLE imports (
            id integer GENERATED ALWAYS AS IDENTITY,
            namespace integer NOT NULL,
            file_digest bytea NOT NULL,
            mapping_digest bytea NOT NULL,
            file text NOT NULL,
            line bigint NOT NULL,
            refused_bytes bigint NOT NULL,
            report text NOT NULL,
            began_at timestamptz NOT NULL,
            moved_at timestamptz NOT NULL,
            ended_at timestamptz,
            CONSTRAINT imports_pkey PRIMARY KEY (id),
            CONSTRAINT imports_namespace_file_digest_key UNIQUE (namespace, file_digest)
        )"""
    )
