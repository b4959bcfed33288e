//! Lists come in the same order on both databases, whatever locale the server was made with.

use domain::id::ServiceId;
use domain::service::Service;
use sqlx::{Connection as _, PgConnection};
use store::services;
use testkit::{Kind, START, TestDatabase, db_test};
use uuid::Uuid;

use crate::people::organization_of;

#[db_test]
async fn text_is_sorted_by_bytes(database: TestDatabase) {
    let acme = organization_of(&database, "acme", &[]).await;
    let mut tx = database.write().await.unwrap();
    for (number, name) in ["ä", "a", "_", "B", "b", "A b", "Aa"].into_iter().enumerate() {
        let service = Service {
            id: ServiceId::new(Uuid::from_u128(u128::try_from(number).unwrap())),
            organization_id: acme.organization_id(),
            name: name.to_owned(),
            slug: format!("s{number}"),
            description: None,
            group_name: None,
            position: 0,
            is_visible: true,
            manual_status: None,
            incident_mode: domain::service::IncidentMode::default(),
            created_at: START,
            updated_at: START,
        };
        services::insert(&mut tx, acme, &service).await.unwrap();
    }
    let names = |rows: Vec<Service>| rows.into_iter().map(|row| row.name).collect::<Vec<_>>();
    let sorted = ["A b", "Aa", "B", "_", "a", "b", "ä"];
    assert_eq!(names(services::list(&mut tx, acme).await.unwrap()), sorted);
    // A cursor compares as the order does.
    let after = Some((0, "B", ServiceId::new(Uuid::from_u128(3))));
    assert_eq!(names(services::list_part(&mut tx, acme, after, 3).await.unwrap()), ["_", "a", "b"]);
}

/// A server made with another locale than that of the tests must not sort otherwise either.
#[db_test]
async fn columns_that_people_fill_with_names_do_not_follow_the_locale(database: TestDatabase) {
    if database.kind() == Kind::Sqlite {
        return;
    }
    let mut conn = PgConnection::connect(database.url()).await.unwrap();
    let follow: Vec<String> = sqlx::query_scalar(
        "SELECT table_name || '.' || column_name FROM information_schema.columns
          WHERE table_schema = current_schema() AND data_type = 'text'
            AND column_name IN ('name', 'title', 'slug', 'public_name', 'group_name', 'email', 'email_display',
                                'display_name', 'key')
            AND collation_name IS DISTINCT FROM 'C'",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    assert_eq!(follow, [""; 0], "these want COLLATE \"C\"");
}
