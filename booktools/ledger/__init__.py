"""The equation ledger: every labelled equation of the book has a certificate, and the site shows it.

`equations` reads what the pages label; `acceptance` says what makes a proof fit for the ledger, and is what the tests
in `tests/equations` call through their fixture `certify`; `certificates` keeps what they accept in `_build`; `proving`
runs the tests whose inputs changed; `grades` follows the lemmas; `badges` and `appendix` show it all.
"""
