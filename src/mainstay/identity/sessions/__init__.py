"""Sessions and the tokens they hand out: signing, rotation, revocation."""
