/* SPDX-License-Identifier: Apache-2.0 */
/* "YYYY-MM-DDTHH:MM:SSZ" to Unix seconds and back, without the C library's time zones and locales. */
#include "base/datetime.h"

#include <string.h>

#define DAY_S INT64_C(86400)
#define LAST_S INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* Digits are marked 0, everything else stands for itself. */
static const char shape[] = "0000-00-00T00:00:00Z";

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01 to the first day of year; leap days are those of the years before it. */
static int64_t days_before_year(int year)
{
    int64_t past = year - 1;
    return (past * 365 + past / 4 - past / 100 + past / 400) - INT64_C(719162);
}

static int number(const uint8_t *digits, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        value = value * 10 + (digits[i] - '0');
    }
    return value;
}

bool pti_datetime_parse(struct pintle_bytes text, int64_t *seconds)
{
    *seconds = 0;
    if (text.size != PTI_DATETIME_SIZE) {
        return false;
    }
    for (size_t i = 0; i < PTI_DATETIME_SIZE; i++) {
        bool digit = text.data[i] >= '0' && text.data[i] <= '9';
        if (shape[i] == '0' ? !digit : text.data[i] != (uint8_t)shape[i]) {
            return false;
        }
    }
    int year = number(text.data, 4);
    int month = number(text.data + 5, 2);
    int day = number(text.data + 8, 2);
    int hour = number(text.data + 11, 2);
    int minute = number(text.data + 14, 2);
    int second = number(text.data + 17, 2);
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 59) {
        return false;
    }
    int64_t days = days_before_year(year) + day - 1;
    for (int m = 1; m < month; m++) {
        days += days_in_month(year, m);
    }
    *seconds = days * DAY_S + hour * 3600 + minute * 60 + second;
    return true;
}

static void put(char *out, int value, size_t count)
{
    for (size_t i = count; i-- > 0; value /= 10) {
        out[i] = (char)('0' + value % 10);
    }
}

void pti_datetime_format(int64_t seconds, char out[PTI_DATETIME_SIZE + 1])
{
    seconds = seconds < 0 ? 0 : seconds > LAST_S ? LAST_S : seconds;
    int64_t days = seconds / DAY_S;
    int rest = (int)(seconds % DAY_S);
    int year = (int)(1970 + days / 366); /* at most a few years early */
    while (days_before_year(year + 1) <= days) {
        year++;
    }
    int day = (int)(days - days_before_year(year));
    int month = 1;
    while (day >= days_in_month(year, month)) {
        day -= days_in_month(year, month);
        month++;
    }
    memcpy(out, shape, sizeof shape);
    put(out, year, 4);
    put(out + 5, month, 2);
    put(out + 8, day + 1, 2);
    put(out + 11, rest / 3600, 2);
    put(out + 14, rest / 60 % 60, 2);
    put(out + 17, rest % 60, 2);
}
