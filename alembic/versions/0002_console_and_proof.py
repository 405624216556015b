"""The console, instructions for held photographs, tallies, and indexes that answer auditors.

Revision: 0002, the console
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AUDIT_INDEXES = {
    "ix_audit_time": (),
    "ix_audit_photograph": ("photograph_id",),
    "ix_audit_action": ("action", "outcome"),
    "ix_audit_actor": ("actor", "action", "outcome"),
}
INDEXED_DETAILS = ("called_ae", "calling_ae", "destination", "pseudonym")


UNIQUE = {"uq": "%(table_name)s_%(column_0_N_name)s_key"}  # as PostgreSQL names them
UNIQUE_BEFORE = "deliveries_release_id_destination_key"
UNIQUE_ITEM = "deliveries_release_id_destination_item_key"


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("sealed_totp", sa.LargeBinary(), nullable=True),
        sa.Column("totp_step", BIG, nullable=True),
        sa.Column("failures", BIG, nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("oidc_issuer", sa.String(length=200), nullable=True),
        sa.Column("oidc_subject", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("oidc_issuer", "oidc_subject"),
    )
    op.create_table(
        "audit_transmissions",
        sa.Column("repository", sa.String(length=64), nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("repository"),
    )
    op.create_table(
        "configurations",
        sa.Column("version", BIG, autoincrement=False, nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("person", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "processes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("host", sa.String(length=64), nullable=False),
        sa.Column("pid", BIG, nullable=False),
        sa.Column("device", sa.String(length=64), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "set_up_links",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_table(
        "tallies",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("count", BIG, nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "name", "label", "owner"),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index(op.f("ix_api_tokens_account_id"), "api_tokens", ["account_id"], unique=False)
    op.create_table(
        "sign_ins",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index(op.f("ix_sign_ins_account_id"), "sign_ins", ["account_id"], unique=False)
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_uploads_account_id"), "uploads", ["account_id"], unique=False)
    op.create_table(
        "proposals",
        sa.Column("photograph_id", sa.String(length=32), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("person", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("instructions", sa.JSON(), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["photograph_id"],
            ["photographs.id"],
        ),
        sa.PrimaryKeyConstraint("photograph_id"),
    )
    op.create_table(
        "uploaded_pictures",
        sa.Column("upload_id", sa.String(length=32), nullable=False),
        sa.Column("number", BIG, autoincrement=False, nullable=False),
        sa.Column("view", sa.String(length=16), nullable=True),
        sa.Column("photograph_id", sa.String(length=32), nullable=True),
        sa.Column("problem", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["photograph_id"],
            ["photographs.id"],
        ),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["uploads.id"],
        ),
        sa.PrimaryKeyConstraint("upload_id", "number"),
    )
    op.drop_index(op.f("ix_audit_photograph"), table_name="audit_entries")
    op.drop_index(op.f("ix_audit_action"), table_name="audit_entries")
    for name, leading in AUDIT_INDEXES.items():
        op.create_index(name, "audit_entries", [*leading, "occurred_at", "id"], unique=False)
    detail = "(details ->> '{}')" if op.get_bind().dialect.name == "postgresql" else "json_extract(details, '$.{}')"
    for key in INDEXED_DETAILS:
        text = detail.format(key)
        op.execute(
            f"CREATE INDEX ix_audit_{key} ON audit_entries ({text}, actor, action, outcome, occurred_at, id) "
            f"WHERE {text} IS NOT NULL"
        )
    with op.batch_alter_table("deliveries", naming_convention=UNIQUE) as deliveries:
        deliveries.add_column(sa.Column("item", sa.String(length=16), nullable=False, server_default="photograph"))
        deliveries.drop_constraint(UNIQUE_BEFORE, type_="unique")
        deliveries.create_unique_constraint(UNIQUE_ITEM, ["release_id", "destination", "item"])
    with op.batch_alter_table("deliveries") as deliveries:
        deliveries.alter_column("item", server_default=None)
    for table in ("releases", "held_results"):
        op.add_column(table, sa.Column("segmentation", sa.String(length=64), nullable=True))
    op.create_index("ix_deliveries_destination", "deliveries", ["destination", "state", "changed_at"], unique=False)
    op.create_index(op.f("ix_held_results_sop_instance_uid"), "held_results", ["sop_instance_uid"], unique=False)
    op.add_column("photographs", sa.Column("study_alias", sa.String(length=64), nullable=True))
    op.add_column("photographs", sa.Column("instructions", sa.JSON(), nullable=True))
    op.drop_index(op.f("ix_photographs_patient"), table_name="photographs")
    op.create_index("ix_photographs_patient", "photographs", ["patient_id", "received_at"], unique=False)
    op.create_index("ix_photographs_received", "photographs", ["received_at", "id"], unique=False)
    op.create_index("ix_photographs_source", "photographs", ["calling_ae", "received_at"], unique=False)
    op.create_index("ix_photographs_state", "photographs", ["state", "received_at"], unique=False)
    op.create_index("ix_photographs_study_alias", "photographs", ["study_alias"], unique=False)
    op.create_index("ix_photographs_view", "photographs", ["view", "received_at"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER configurations_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON configurations "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
        )
    else:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER configurations_no_{verb.lower()} BEFORE {verb} ON configurations "
                "BEGIN SELECT RAISE(ABORT, 'the history of the configuration is append-only'); END"
            )


def downgrade() -> None:
    op.drop_index("ix_photographs_view", table_name="photographs")
    op.drop_index("ix_photographs_study_alias", table_name="photographs")
    op.drop_index("ix_photographs_state", table_name="photographs")
    op.drop_index("ix_photographs_source", table_name="photographs")
    op.drop_index("ix_photographs_received", table_name="photographs")
    op.drop_index("ix_photographs_patient", table_name="photographs")
    op.create_index(op.f("ix_photographs_patient"), "photographs", ["patient_id"], unique=False)
    op.drop_column("photographs", "instructions")
    op.drop_column("photographs", "study_alias")
    op.drop_index(op.f("ix_held_results_sop_instance_uid"), table_name="held_results")
    op.drop_index("ix_deliveries_destination", table_name="deliveries")
    for table in ("releases", "held_results"):
        op.drop_column(table, "segmentation")
    op.execute("DELETE FROM deliveries WHERE item <> 'photograph'")
    with op.batch_alter_table("deliveries", naming_convention=UNIQUE) as deliveries:
        deliveries.drop_constraint(UNIQUE_ITEM, type_="unique")
        deliveries.drop_column("item")
        deliveries.create_unique_constraint(UNIQUE_BEFORE, ["release_id", "destination"])
    for name in (*AUDIT_INDEXES, *(f"ix_audit_{key}" for key in INDEXED_DETAILS)):
        op.drop_index(name, table_name="audit_entries")
    op.create_index(op.f("ix_audit_action"), "audit_entries", ["action", "occurred_at"], unique=False)
    op.create_index(op.f("ix_audit_photograph"), "audit_entries", ["photograph_id"], unique=False)
    op.drop_table("uploaded_pictures")
    op.drop_table("proposals")
    op.drop_index(op.f("ix_uploads_account_id"), table_name="uploads")
    op.drop_table("uploads")
    op.drop_index(op.f("ix_sign_ins_account_id"), table_name="sign_ins")
    op.drop_table("sign_ins")
    op.drop_index(op.f("ix_api_tokens_account_id"), table_name="api_tokens")
    op.drop_table("api_tokens")
    op.drop_table("tallies")
    op.drop_table("set_up_links")
    op.drop_table("processes")
    op.drop_table("configurations")
    op.drop_table("audit_transmissions")
    op.drop_table("accounts")
