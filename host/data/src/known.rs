//! What columns are called that hold users, movies, ratings and times, whatever holds them.

use super::header::Header;

/// Names of columns of users, the likelier before others: letters and digits in lower case.
pub const USERS: &[&str] = &[
    "userid",
    "user",
    "users",
    "uid",
    "userno",
    "username",
    "usermd5",
    "reviewerid",
    "reviewer",
    "customerid",
    "customer",
    "custid",
    "memberid",
    "member",
    "profileid",
    "raterid",
    "rater",
    "reviewprofilename",
];

/// Names of columns of movies, the likelier before others: letters and digits in lower case.
pub const MOVIES: &[&str] = &[
    "movieid",
    "movie",
    "movies",
    "mid",
    "itemid",
    "item",
    "items",
    "iid",
    "filmid",
    "film",
    "asin",
    "productid",
    "product",
    "parentasin",
    "isbn",
    "bookid",
    "book",
    "businessid",
    "business",
    "animeid",
    "anime",
    "jokeid",
    "joke",
    "songid",
    "trackid",
    "artistid",
    "gameid",
    "recipeid",
    "beerid",
    "beerbeerid",
    "showid",
    "courseid",
    "imdbid",
    "tconst",
];

/// Names of columns of stars, the likelier before others: letters and digits in lower case.
pub const RATINGS: &[&str] = &[
    "rating",
    "ratings",
    "stars",
    "star",
    "starrating",
    "score",
    "overall",
    "reviewoverall",
    "userrating",
    "bookrating",
    "movierating",
    "ratingvalue",
    "ratingscore",
    "reviewrating",
];

/// Names of columns of times, the likelier before others: letters and digits in lower case.
pub const TIMES: &[&str] = &[
    "timestamp",
    "unixtimestamp",
    "ratingtimestamp",
    "unixreviewtime",
    "unixtime",
    "time",
    "ratingtime",
    "reviewtime",
    "datetime",
    "date",
    "ratingdate",
    "reviewdate",
    "ratedat",
    "createdat",
    "ts",
    "tstamp",
];

/// The names that user, movie, stars and time may have, without RecBole's `:token` behind.
pub const NAMES: [&[&str]; 4] = [USERS, MOVIES, RATINGS, TIMES];

/// Where the first of these names stands among the columns' own.
pub fn find(columns: &[String], known: &[&str]) -> Option<usize> {
    Header::new(columns.iter().map(String::as_str)).find(known)
}
