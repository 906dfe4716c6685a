-- migrate: lock-timeout=2s
ALTER TABLE shop.orders ADD COLUMN total numeric;

-- Orders that come in from now on, and those that change, have one at once: the backfill need not look back.
CREATE FUNCTION shop.fill_total() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.total := NEW.price * NEW.pieces;
    RETURN NEW;
END
$$;
CREATE TRIGGER fill_total BEFORE INSERT OR UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.fill_total();
