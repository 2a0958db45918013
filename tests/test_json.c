#include "harness.h"
#include "lesson6/answer.h"
#include "lesson6/json.h"

#include <stdlib.h>
#include <string.h>

static char *encoded(const char *bytes, size_t len)
{
    struct json j = {0};
    size_t out;
    json_encode_string(&j, bytes, len);
    char *text = json_take(&j, &out);
    ck_assert_ptr_nonnull(text);
    char *copy = strndup(text, out);
    free(text);
    return copy;
}

static void check_string(const char *bytes, size_t len, const char *expected)
{
    char *text = encoded(bytes, len);
    ck_assert_str_eq(text, expected);
    free(text);
}

#define CHECK_STRING(bytes, expected) check_string((bytes), sizeof(bytes) - 1, (expected))

START_TEST(strings_are_escaped)
{
    CHECK_STRING("", "\"\"");
    CHECK_STRING("plain ~ text", "\"plain ~ text\"");
    CHECK_STRING("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
    CHECK_STRING("\b\f\n\r\t\0\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0000\\u001f\\u007f\"");
    CHECK_STRING("<b>&", "\"\\u003cb\\u003e\\u0026\"");
    CHECK_STRING("\xc3\xa9", "\"\\u00e9\"");
    CHECK_STRING("\xe2\x82\xac", "\"\\u20ac\"");
    CHECK_STRING("\xf0\x9f\x98\x80", "\"\\ud83d\\ude00\"");
    CHECK_STRING("\xf4\x8f\xbf\xbf", "\"\\udbff\\udfff\"");
    CHECK_STRING("\xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80", "\"\\u0080\\u0800\\ud800\\udc00\"");
}
END_TEST

START_TEST(ill_formed_utf8_is_replaced)
{
    CHECK_STRING("a\xff z", "\"a\\ufffd z\"");
    CHECK_STRING("\x80", "\"\\ufffd\"");
    CHECK_STRING("\xc3", "\"\\ufffd\"");
    CHECK_STRING("\xe2\x82", "\"\\ufffd\"");
    CHECK_STRING("\xf0\x9f\x98z\xe2\x82\xc3\xa9", "\"\\ufffdz\\ufffd\\u00e9\"");
    CHECK_STRING("\xc0\xaf", "\"\\ufffd\\ufffd\"");                       /* not the shortest form */
    CHECK_STRING("\xe0\x9f\xbf", "\"\\ufffd\\ufffd\\ufffd\"");            /* nor this */
    CHECK_STRING("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");            /* a surrogate */
    CHECK_STRING("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""); /* beyond the last character */
    CHECK_STRING("\xc3\x28", "\"\\ufffd(\"");
}
END_TEST

/* Every byte pair comes out as a string that is ASCII, closed, and without a bare quote or control inside. */
START_TEST(any_bytes_give_a_well_formed_string)
{
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            char pair[2] = {(char)a, (char)b};
            char *text = encoded(pair, 2);
            size_t len = strlen(text);
            ck_assert(len >= 3 && text[0] == '"' && text[len - 1] == '"');
            for (size_t i = 1; i < len - 1; i++) {
                ck_assert_int_ge(text[i], ' ');
                ck_assert_int_lt(text[i], 0x7f);
                if (text[i] == '\\')
                    i++;
                else
                    ck_assert_int_ne(text[i], '"');
            }
            free(text);
        }
    }
}
END_TEST

START_TEST(documents_have_their_commas)
{
    struct json j = {0};
    size_t len;
    json_open(&j, '{');
    json_key(&j, "a");
    json_raw(&j, "-12", 3);
    json_key(&j, "list");
    json_open(&j, '[');
    json_raw(&j, "true", 4);
    json_open(&j, '{');
    json_close(&j, '}');
    json_open(&j, '[');
    json_close(&j, ']');
    json_raw(&j, "1.5e3", 5);
    json_close(&j, ']');
    json_key(&j, "b");
    json_encode_string(&j, "x", 1);
    json_close(&j, '}');
    char *text = json_take(&j, &len);
    const char expected[] = "{\"a\":-12,\"list\":[true,{},[],1.5e3],\"b\":\"x\"}";
    ck_assert_uint_eq(len, sizeof expected - 1);
    ck_assert_mem_eq(text, expected, len);
    free(text);
    ck_assert_ptr_null(j.text);
}
END_TEST

START_TEST(numbers_are_told_from_texts)
{
    static const char *const numbers[] = {"0", "-0", "10", "0.25", "-1.5e10", "2E-3", "7e+1"};
    static const char *const texts[] = {"", "-", "01", "1.", ".5", "1e", "1e+", "+1", "1 ", " 1", "0x1",
        "1-2", "NaN", "1.2.3", "4006381333931a"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        ck_assert_msg(json_is_number(numbers[i], strlen(numbers[i])), "%s", numbers[i]);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(!json_is_number(texts[i], strlen(texts[i])), "%s", texts[i]);
    ck_assert(json_is_number("12x", 2)); /* what is beyond len does not count */
}
END_TEST

START_TEST(answers_encode_their_fields)
{
    const char text[] = "id: i-1\nprice: 12.50\nzip: 01234\nname: caf\xc3\xa9: \"A\"\nempty: \n";
    struct answer *answer = answer_new(text, sizeof text - 1);
    struct json j = {0};
    size_t len;
    ck_assert_ptr_nonnull(answer);
    ck_assert_uint_gt(answer_bytes(answer), sizeof text);
    answer_encode(answer_retain(answer), &j);
    answer_release(answer);
    char *out = json_take(&j, &len);
    const char expected[] = "{\"id\":\"i-1\",\"price\":12.50,\"zip\":\"01234\",\"name\":\"caf\\u00e9: "
                            "\\\"A\\\"\",\"empty\":\"\"}";
    ck_assert_uint_eq(len, sizeof expected - 1);
    ck_assert_mem_eq(out, expected, len);
    free(out);
    answer_release(answer);
    answer_release(NULL);
}
END_TEST

START_TEST(malformed_answers_are_refused)
{
    static const char *const bad[] = {
        "", "id", "id: 1", "id 1\n", ": 1\n", "id:1\n", "id: 1\nrest", "a: 1\n\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!answer_new(bad[i], strlen(bad[i])), "\"%s\"", bad[i]);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {strings_are_escaped, ill_formed_utf8_is_replaced,
        any_bytes_give_a_well_formed_string, documents_have_their_commas, numbers_are_told_from_texts,
        answers_encode_their_fields, malformed_answers_are_refused};
    return HARNESS_SUITE("json", 20, tests);
}
