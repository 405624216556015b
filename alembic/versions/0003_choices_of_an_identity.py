"""How often an identity may still be chosen again: those that exist may have been seen, and stay.

Revision: 0003, choices of an identity
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("identities", sa.Column("choices_left", BIG, nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("identities", "choices_left")
