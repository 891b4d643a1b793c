"""Files of certificates that do not hold what they should: wrong at the start, waited for later."""

from pathlib import Path

import pytest

from eventkit.kafka import FAULTS
from eventkit.kafka.cluster import FilesUnfit, Security
from eventkit.settings import SettingsError


@pytest.mark.parametrize("content", ["", "-----BEGIN CERTIFICATE-----\nMIIB"], ids=["empty", "half written"])
def test_a_file_that_holds_no_certificate_is_a_sentence_and_a_fault_that_passes(tmp_path: Path, content: str):
    file = tmp_path / "ca.pem"
    file.write_text(content)
    with pytest.raises(FilesUnfit, match="NHIP_KAFKA_CA_FILE must hold certificates") as unfit:
        Security("SSL", ca_file=file).client()
    assert isinstance(unfit.value, SettingsError)
    assert isinstance(unfit.value, FAULTS)
