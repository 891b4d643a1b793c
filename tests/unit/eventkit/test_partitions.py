"""Which partition holds a tenant."""

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from eventkit.kafka import partition_of


@given(st.text(min_size=1), st.integers(1, 200))
def test_a_tenant_is_where_kafkas_own_partitioner_would_put_it(tenant: str, partitions: int):
    everywhere = list(range(partitions))
    assert partition_of(tenant, partitions) == DefaultPartitioner()(tenant.encode(), everywhere, everywhere)
