-- Passkeys of another relying party are counted at every start: without reading all others.
create index passkeys_rp_id on passkeys (rp_id);
