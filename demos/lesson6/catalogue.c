#include "lesson6/catalogue.h"

#include "base/hash.h"

#include <string.h>

static const char *const WORDS[] = {"light", "sturdy", "hand-made", "weekend", "café", "für", "garden",
    "naïve", "\"classic\"", "winter", "façade", "größer", "soft", "linen", "Åland", "river", "copper",
    "señorita", "quiet", "travel", "crème", "pocket", "bright", "oak", "R&D", "smörgås", "round", "folding",
    "wool", "déjà", "evening", "blue", "harbour", "simple", "<new>", "paper", "jalapeño", "double", "stone",
    "kitchen", "Zürich", "spare", "cotton", "island", "résumé", "market", "north", "maple", "piñata",
    "steady", "glass", "morning"};
static const char *const PLACES[] = {"Aarhus", "Łódź", "Malmö", "Porto", "Tōkyō", "Wien", "Kraków", "Lyon"};
static const char *const COLOURS[] = {"rosé", "anthracite", "ivory", "café au lait", "teal", "grün"};
static const char *const CURRENCIES[] = {"EUR", "SEK", "CHF", "JPY"};

#define PICK(random, list) ((list)[next(random) % (sizeof(list) / sizeof *(list))])

static uint64_t next(uint64_t *random)
{
    return hash_u64(*random += UINT64_C(0x9e3779b97f4a7c15));
}

static unsigned below(uint64_t *random, unsigned n)
{
    return (unsigned)(next(random) % n);
}

static void write_text(struct buf *out, uint64_t *random, const char *name, size_t bytes)
{
    buf_printf(out, "%s:", name);
    size_t end = out->len + bytes;
    while (out->len < end && !out->failed) {
        buf_putc(out, ' ');
        buf_puts(out, PICK(random, WORDS));
    }
    buf_putc(out, '\n');
}

static void write_day(struct buf *out, uint64_t *random, const char *name)
{
    buf_printf(out, "%s: 20%02u-%02u-%02u\n", name, 10 + below(random, 16), 1 + below(random, 12),
        1 + below(random, 28));
}

static void write_item(struct buf *out, uint64_t *r)
{
    write_text(out, r, "title", 48);
    buf_printf(out, "brand: %s & %s\n", PICK(r, PLACES), PICK(r, WORDS));
    buf_printf(out, "category: %s/%s\n", PICK(r, WORDS), PICK(r, WORDS));
    buf_printf(out, "price: %u.%02u\n", 1 + below(r, 900), below(r, 100));
    buf_printf(out, "currency: %s\n", PICK(r, CURRENCIES));
    buf_printf(out, "stock: %u\n", below(r, 4000));
    buf_printf(out, "reserved: %u\n", below(r, 40));
    buf_printf(out, "weight_g: %u\n", 20 + below(r, 30000));
    buf_printf(out, "width_mm: %u\nheight_mm: %u\ndepth_mm: %u\n", 10 + below(r, 900), 10 + below(r, 900),
        10 + below(r, 900));
    buf_printf(out, "ean: 40%011llu\n", (unsigned long long)(next(r) % 100000000000));
    buf_printf(out, "rating: %u.%u\n", 1 + below(r, 4), below(r, 10));
    buf_printf(out, "reviews: %u\n", below(r, 9000));
    buf_printf(out, "colour: %s\n", PICK(r, COLOURS));
    buf_printf(out, "made_in: %s\n", PICK(r, PLACES));
    buf_printf(out, "warranty_months: %u\n", 6 + below(r, 60));
    write_day(out, r, "released");
    write_day(out, r, "restocked");
    buf_printf(out, "image: https://img.example.org/%016llx.webp\n", (unsigned long long)next(r));
    write_text(out, r, "tags", 120);
    write_text(out, r, "summary", 400);
    write_text(out, r, "care", 700);
    write_text(out, r, "delivery", 700);
    write_text(out, r, "description", 3000 + below(r, 1500));
}

static void write_seller(struct buf *out, uint64_t *r)
{
    buf_printf(out, "name: %s %s\n", PICK(r, WORDS), PICK(r, PLACES));
    buf_printf(out, "street: %s straße %u\n", PICK(r, WORDS), 1 + below(r, 200));
    buf_printf(out, "city: %s\n", PICK(r, PLACES));
    buf_printf(out, "postcode: %05u-%u\n", below(r, 100000), below(r, 10));
    buf_printf(out, "phone: +%u %u\n", 30 + below(r, 60), 1000000 + below(r, 8999999));
    buf_printf(out, "mail: orders@%u.example.org\n", below(r, 100000));
    buf_printf(out, "site: https://%u.example.org/?lang=en&ref=gateway\n", below(r, 100000));
    buf_printf(out, "rating: %u.%u\n", 1 + below(r, 4), below(r, 10));
    buf_printf(out, "orders: %u\nreturns: %u\n", below(r, 100000), below(r, 900));
    buf_printf(out, "margin: 0.%02u\n", below(r, 100));
    buf_printf(out, "shipping: %u.%02u\n", below(r, 20), below(r, 100));
    buf_printf(out, "currency: %s\n", PICK(r, CURRENCIES));
    buf_printf(out, "days_min: %u\ndays_max: %u\n", 1 + below(r, 3), 4 + below(r, 9));
    buf_printf(out, "vat: %c%09u\n", 'A' + (char)below(r, 26), below(r, 1000000000));
    write_day(out, r, "since");
    write_text(out, r, "motto", 60);
    write_text(out, r, "terms", 500);
    write_text(out, r, "privacy", 300);
}

void catalogue_write(struct buf *out, const char *key)
{
    uint64_t random = hash_bytes(key, strlen(key));
    buf_printf(out, "id: %s\n", key);
    if (strncmp(key, "seller", 6) == 0)
        write_seller(out, &random);
    else
        write_item(out, &random);
}
