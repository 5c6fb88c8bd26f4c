CREATE TABLE orders (
    id uuid PRIMARY KEY,
    customer text NOT NULL,
    total numeric(12, 2) NOT NULL CHECK (total >= 0),
    version int NOT NULL DEFAULT 1
);
CREATE TABLE history (
    order_id uuid NOT NULL REFERENCES orders,
    request_id uuid NOT NULL PRIMARY KEY,
    total numeric(12, 2) NOT NULL
);
CREATE TABLE lines (
    order_id uuid NOT NULL REFERENCES orders,
    sku text NOT NULL,
    price numeric(12, 2) NOT NULL,
    quantity int NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, sku)
);
